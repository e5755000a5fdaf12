"""The charter and what each site states under it."""
