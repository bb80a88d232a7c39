import antfu from '@antfu/eslint-config'

// Node 20 does not have it yet, and the config's own code calls it.
Object.groupBy ??= (items, keyOf) => {
  const groups = {}
  for (const item of items) (groups[keyOf(item)] ??= []).push(item)
  return groups
}

export default antfu({
  vue: true,
  typescript: true,
  formatters: false,
  markdown: false,
  ignores: ['**/dist', '**/generated', 'e2e/out', '**/*.json', '**/*.md', '**/*.yml'],
}, {
  rules: {
    // Names of the wire are kept as they are.
    'vue/prop-name-casing': 'off',
    'vue/max-attributes-per-line': 'off',
    'vue/first-attribute-linebreak': 'off',
    'vue/html-closing-bracket-newline': 'off',
    'vue/no-v-html': 'error',
    'no-console': ['error', { allow: ['warn'] }],
    'ts/no-explicit-any': 'error',
    'ts/consistent-type-definitions': 'off',
    'ts/explicit-function-return-type': 'off',
    'style/max-statements-per-line': 'off',
    'style/multiline-ternary': 'off',
    'antfu/if-newline': 'off',
    'antfu/no-top-level-await': 'off',
    'e18e/prefer-static-regex': 'off',
    'unicorn/prefer-dom-node-text-content': 'off',
    'antfu/top-level-function': 'off',
    'test/prefer-lowercase-title': 'off',
    'test/consistent-test-it': ['error', { fn: 'test', withinDescribe: 'test' }],
    'node/prefer-global/process': 'off',
    'node/prefer-global/buffer': 'off',
  },
}, {
  files: ['sdk/examples/**', '**/scripts/**', 'e2e/tests/**'],
  rules: { 'no-console': 'off' },
})
