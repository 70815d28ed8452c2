"""Ansätze: circuits as data."""
