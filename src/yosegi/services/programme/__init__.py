"""What the programme office sees: teams, challenges, grants and outcomes."""
