"""Running tasks and keeping their records."""
