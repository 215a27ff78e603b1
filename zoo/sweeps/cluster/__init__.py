"""Sweeps on a cluster: what is sent to its nodes, by whom, and what comes back. Ray and SLURM do the work."""
