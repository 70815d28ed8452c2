"""Plots of the studies, one file for each."""
