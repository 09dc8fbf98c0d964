"""What runs Paystream elsewhere: images, and files for Prometheus and Grafana."""
