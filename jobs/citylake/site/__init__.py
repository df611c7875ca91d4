"""The pages: offline, in Chinese and English, with charts."""
