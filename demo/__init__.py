"""The whole system on this machine: simulator, Prefect server, workers and deployments, for the demo and for tests."""
