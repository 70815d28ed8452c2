"""Batch queues: a study swept over its arguments, sent to a cluster as job arrays, followed and collected."""
