"""The weights that ship: see `manifest.toml` for their hashes and the cards beside them."""
