"""A tracking server of one's own: MLflow's, on a PostgreSQL database that is started and stopped with it."""
