{
  "targets": [
    {
      "target_name": "node_mlc",
      "type": "none",
      "conditions": [
        [
          "\"<!(node scripts/has-prebuild.mjs)\"==\"no\"",
          {
            "actions": [
              {
                "action_name": "cmake",
                "inputs": ["CMakeLists.txt"],
                "outputs": ["<(PRODUCT_DIR)/node_mlc.node"],
                "action": ["node", "scripts/gyp-build.mjs"]
              }
            ]
          }
        ]
      ]
    }
  ]
}
