"""Policy: questions, decisions, Cedar behind one function, and what would change if."""
