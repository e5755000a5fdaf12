"""Work with files as the facility API knows it, over the objects of this site."""
