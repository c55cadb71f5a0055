"""What is wrong with the images of a recipe (labels, duplicates, flaws), and what mending it brings."""
