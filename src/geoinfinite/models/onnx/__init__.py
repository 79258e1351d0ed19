"""Networks evaluated by ONNX Runtime; nothing here knows what a network is told."""
