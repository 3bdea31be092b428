"""The process that carries campaigns: workflows and activities on one task queue."""
