"""Satellogic on localhost, written from its documents."""
