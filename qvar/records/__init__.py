"""Files of a run: shards, tables, `case.json`, and where a run comes from."""
