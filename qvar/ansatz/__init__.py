"""What answers: circuits as data."""
