"""Build folders: the stages that fill them and the manifest that describes them."""
