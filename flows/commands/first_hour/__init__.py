"""The commands of the first hour: the files of a site, what speaks there, and whether it works."""
