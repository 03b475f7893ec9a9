"""Models in other forms: the cluster file, the portable form, XML, flat lists; the anonymiser."""
