"""The executor of a SLURM cluster: job arrays through submitit, and nothing stays running."""
