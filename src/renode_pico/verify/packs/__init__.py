"""The packs: each a table `NAME.toml` and a module `NAME` with one `@check("ID")` function for each item."""
