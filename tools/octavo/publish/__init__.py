"""Documents, editions and runs → notebooks, archives of them, hosts' editions, slides, and the library's wheel."""
