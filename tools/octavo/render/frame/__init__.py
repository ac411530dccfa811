"""What stands around the text of a page: the theme with its sheets and scripts, navigation, and what can be done."""
