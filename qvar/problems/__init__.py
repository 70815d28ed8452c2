"""What is asked: molecules and spin models."""
