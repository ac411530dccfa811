"""A manuscript in LaTeX → PDF. Knows LaTeX and its log; neither Sphinx nor the source language."""
