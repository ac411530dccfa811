"""What a website has beside its pages and is made from them."""
