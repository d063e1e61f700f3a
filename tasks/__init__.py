"""One retryable step each, named by its verb. Thin: what a step does is in `tasking.lifecycle`."""
