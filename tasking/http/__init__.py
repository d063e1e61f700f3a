"""The one place for HTTP: addresses, tokens, pacing, repeats, and what an answer means."""
