module greenapi_exporter/e2e

go 1.26.0

require greenapi_exporter v0.0.0

replace greenapi_exporter => ../
