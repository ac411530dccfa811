"""Slides: what authors mark on their pages, with code and outputs, as decks that browsers show without a network."""
