"""TFLite / LiteRT: phones, and every host with ai-edge-litert."""
