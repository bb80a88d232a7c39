import UnoCSS from '@unocss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import manifest from './package.json' with { type: 'json' }

/** `make web-dev` works against a server that runs already. */
const server = process.env.SIMPLEIM_SERVER ?? 'http://127.0.0.1:8080'

export default defineConfig({
  // Addresses in the page are relative to its <base>, which the server sets: it may be reached under a path.
  base: './',
  plugins: [
    vue(),
    UnoCSS(),
    VitePWA({
      // The page registers it itself, through the Trusted Types policy of src/trusted.ts.
      injectRegister: null,
      registerType: 'autoUpdate',
      manifest: {
        name: 'SimpleIM',
        short_name: 'SimpleIM',
        description: 'Self-hosted instant messaging',
        theme_color: '#0f766e',
        background_color: '#f6f7f9',
        display: 'standalone',
        start_url: './',
        icons: [
          { src: 'icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'any' },
          { src: 'icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
      },
      workbox: {
        globPatterns: ['**/*.{js,css,html,svg,woff2}'],
        globIgnores: ['**/data-*'],
        navigateFallback: 'index.html',
        navigateFallbackDenylist: [/\/api\//, /\/(ws|health|ready|stats|metrics)$/],
        inlineWorkboxRuntime: true,
        sourcemap: false,
      },
    }),
  ],
  resolve: { conditions: ['simpleim-source', 'module', 'browser', 'development|production'] },
  define: { __APP_VERSION__: JSON.stringify(manifest.version), __VUE_I18N_LEGACY_API__: 'false', __INTLIFY_PROD_DEVTOOLS__: 'false' },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 900, reportCompressedSize: false, modulePreload: { polyfill: false } },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true },
      '/ws': { target: server, ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
})
