--- upsample { 2 }
return require("lamina.layers.resize").upsample
