"""Who needs special care: known to the posts that give it, and to nobody else."""
