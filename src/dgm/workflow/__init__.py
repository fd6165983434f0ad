"""What the workflow reads before a job starts: the plan of a build, its schema, resources and fingerprints of code."""
