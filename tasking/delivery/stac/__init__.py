"""An item as the archive writes it: valid STAC 1.1, whatever the provider wrote."""
