"""Minimizers of an Objective under a budget."""
