"""The command `qvar`."""
