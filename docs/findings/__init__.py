"""Runs and pages of "What we found": `make results`."""
