"""AxelGlobe on localhost, written from its documents."""
