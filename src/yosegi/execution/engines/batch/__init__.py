"""The engine that runs each task as a job of a batch scheduler: Slurm, or PJM."""
