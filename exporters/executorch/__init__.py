"""ExecuTorch with XNNPACK: phones and boards, and every host with the executorch wheel."""
