module smtp_sink

go 1.21
