"""ICEYE on localhost, written from its documents."""
