"""The whole system on this machine, for demo, tests, chaos and benchmarks: simulator, Prefect server, workers, kits."""
