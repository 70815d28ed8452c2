"""What can be run: each makes Tasks out of Objectives."""
