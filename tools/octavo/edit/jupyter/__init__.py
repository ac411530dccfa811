"""JupyterLab over a book: pages are its notebooks, and the frameworks' environments its kernels."""
