"""Key ↔ run: the local, the committed and the shared shelf."""
