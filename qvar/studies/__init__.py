"""Studies: each makes tasks out of trainings or measurements."""
